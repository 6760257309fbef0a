"""The web page: static files that talk to the API from the browser, and what serves them.

``static/`` has it all: one HTML file, one style sheet and ECMAScript modules
that are served as they are, so there is nothing to build.  ``tests/page`` runs
the pure ones under node and all of them in a browser.
"""
