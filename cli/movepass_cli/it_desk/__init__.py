"""Commands of those who set devices up and keep them fresh."""
