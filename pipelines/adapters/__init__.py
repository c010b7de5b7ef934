"""What touches the world, one adapter for each tool; each alone imports that tool's library."""
