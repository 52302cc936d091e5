"""Autoencoders: what they are made of, and how one is made from settings."""
