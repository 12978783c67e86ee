"""What the tests that run real daemons share: the daemon, an HTTP client, TAP, and the search for what was left over.

Python's standard library only, but for openapi.py, which needs python3-jsonschema. A test adds the folder tests/ to sys.path and imports from here.
"""
