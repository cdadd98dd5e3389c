"""What every room uses: errors, events, options of the recipe, compiled loops."""
