"""Sample tables as submitters write them, with the comparison that each of them means."""
