"""Small systems in the shapes that real compose projects have, and what is done to them."""
