"""Sign with key files, AWS KMS or PKCS#11 tokens, chosen by URI."""
