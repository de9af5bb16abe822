"""What `scripts/release` does: check, write the version and the changelog's heading, build."""
