"""A Dask client from a profile of the configuration."""
