"""Sample tables to factors, groups and contrasts, or a reason why not."""
