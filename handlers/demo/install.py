"""How what the demo needs is installed, as its errors say it."""

INSTALL = (
    "pip install 'llamacloud-mailroom[demo]' (it is on no package index yet: add --find-links FOLDER, "
    "with the wheels that you built); in a checkout: scripts/demo"
)
