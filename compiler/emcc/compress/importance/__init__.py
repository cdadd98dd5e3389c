"""Which weights matter: scores between layers, exact choices of so many weights, and a sensitivity scan."""
