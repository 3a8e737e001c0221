"""Where applications and decisions are kept."""
