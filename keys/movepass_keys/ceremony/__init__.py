"""How custodians decide together: proposals, cards, their own folder."""
