"""What the commands print: live on a terminal, line by line elsewhere."""
