"""What `scripts/deploy` does: check the stage's settings, package, deploy, test; or take it down."""
