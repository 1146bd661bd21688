"""The Web API methods, one module per family; `slack_simulator/web_api.py` holds the table of them."""
