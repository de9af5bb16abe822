"""The child process that reads hostile input: ``process`` starts it, ``loop`` runs inside it."""
