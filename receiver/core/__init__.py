"""Pure decisions and the records they are about: no await, no clock, no network, no randomness."""
