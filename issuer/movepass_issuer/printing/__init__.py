"""A pass as a picture: the QR code and the card."""
