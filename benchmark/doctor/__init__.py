"""What may be wrong with an installation, data and stores, and what to do about it."""
