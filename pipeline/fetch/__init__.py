"""From the servers of DEE2 and GEO into raw/: verified, resumable, whole or not at all."""
