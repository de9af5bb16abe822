"""Where documents and messages are delivered, one file for each kind; ``registry.py`` lists them."""
