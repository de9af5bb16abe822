"""The contracts, and the main job, on a second implementation of AWS: moto."""
