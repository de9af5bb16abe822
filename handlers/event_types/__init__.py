"""What happens when an event arrives, one file for each family of event types; ``registry.py`` lists them."""
