"""What the user is told: summaries on the terminal, emcc.json, report.html."""
