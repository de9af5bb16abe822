"""Incidents, and what each alert channel is told of them."""
