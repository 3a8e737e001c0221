"""What signs: key files, AWS KMS, PKCS#11 tokens; chosen by URI."""
