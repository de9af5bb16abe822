"""Packets and mails, the documents that contain others: cutting, correcting and archiving them."""
