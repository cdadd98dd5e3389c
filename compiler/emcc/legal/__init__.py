"""What a Graph may be after which stage, as rows, and what holds it against them."""
