"""One file for each verb of /dr, and what several of them share."""
