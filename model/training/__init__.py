"""How a network learns: the loss, the step, the loop, and what is kept of it."""
