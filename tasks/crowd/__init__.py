"""Crowd counting: how many people an image shows, from annotated points."""
