"""The Web API methods, one module per family; `workspace/web_api.py` holds the table of them."""
