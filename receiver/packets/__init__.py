"""Packets and mails: documents that others come out of. Cutting, correcting and archiving them."""
