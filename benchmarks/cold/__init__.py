"""What the cold start of ``receive`` is compared with, and an AWS that answers at once."""
