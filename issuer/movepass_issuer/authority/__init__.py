"""An authority: its folder, and the desk where it prepares ceremonies."""
