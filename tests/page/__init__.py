"""The web page: its pure modules under node, all of it in a browser."""
