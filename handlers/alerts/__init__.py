"""Where alerts are sent, one file for each kind of channel; ``registry.py`` lists them."""
