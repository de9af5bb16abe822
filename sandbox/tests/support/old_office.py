"""Compound files of Microsoft's old programs: no well-kept library writes them, so they are kept here, packed.

The workbook was written by xlwt; the others by the builder in Mailroom's tests (``tests/ole.py``).
"""

import zlib
from base64 import b64decode


def unpacked(packed: str) -> bytes:
    """The file."""
    return zlib.decompress(b64decode(packed))


# From Ann Wu <ann@example.org>, subject "Your order", text "Please pay the invoice.", attached: bill.pdf.
MESSAGE = unpacked(
    "eNrtVstKw0AUPem7olJFuujCBsSNYEhVqAsRRS24UIobcVVqfUK1pY1id/0VP8Ev0U/QD7HxzCStoT6aCS6q9gyZmTvJvWfmZu6deXqc"
    "er5/yLygD+sIo2MnEfOMaXzCXSEFhNyxjm3bYkh8a4/wq7CLIvZgYB81WDiFKo6od4MGdLYNnNBCQ0l/E9csOg5pJQjKUn+DvHfsX6GO"
    "KvuGnM25D/2i/L6MJmud2mW02Fq4kPIlbd/S1iUq0qo6wphYcWIoIuss8jJO0u77LCNJyGZPzowLebInZ6Wsv7+X+tOuPF/cLiwiOI65"
    "tiqLwbWf4CywnY/rjOe98wxpmpSjGGGYIHJ3/xP7ZHyEv4kDZjeR+XXsMNdZzJotpf2TRlTr2tIU9Nohpy2xNJn7j1lbzNg5ZiKTYyZL"
    "jqeD0xa+tLPAzCK4Q+7dwy9/CoP5l5mr/fKHFfiFn2YG8m8prT+iwC98Ne6Lv+CbP6rAL3w1O4A/J5lN3/wxBX7hK8PDX+eur7EWdxeL"
    "5+Ep51LiuS/kJuUaI8OZ10eYLn9cgV/4qu3hL5PVYl3hreNz3hLmPP5wioM1aL34SwTI/1/539n7OfdZGuj/pML64557wPf8/uNvTIE/"
    "0Rf/P/H/u/DDL3y1OiTnv+Y56yPufxH919HR+C/wBgk7bJE="
)
# Its subject, "Prüfung" in Windows-1252, ends with a zero and is said to be UTF-8; its text, "請付款", is in the
# code page 950; what is attached has no list of properties.
ODD_MESSAGE = unpacked(
    "eNq7cF7wwcKNUg8Z0IAdAzPDv/+cDGxIYoxAzATjCED4IPzv////ICEWIP4/CoYUCCj6k1aal85ALth7YannllsMNANyDObgNMgJ5zMIgPjsUD4zw197"
    "EP/lXxj/Hpi/jZk48ysYRjYA5V0QZkZij4KRA4IY8oGwhEGBwZUhD0gXMVSSlH7EGFgZYWYxkqDPAao4HgiLGUoZkoBkCUM6gyGDHoMBUMwACI2BeR9E"
    "GwLdhgtoMTCB7WeC1j3E2s/BgN9+Q7DNBkTbz0yC/SCvsyHZXwAM9XwgmQqkSxgygXQxULQMzC8G8vOBMQNxFyYwgNrPQoL9oLBKQLI/EWhrCZBMZsjA"
    "YW88gzJSeEAgBNgwMMLjn5WM8gdX+EPi3hCKjQiGPwwQYycLNA5GAWb5/3e0SBxRAAASJxi7"
)
# One sheet, "Invoice": "Invoice number" 2291, "Amount due" 192.5.
WORKBOOK = unpacked(
    "eNrtWE1oE0EU/mabNMnSpps2FVqhLBVjrbmIFy/ttoIWD5bqRRFBk2YPpe1GlkbQQ63WHAXBk+Kl0IuXqhd/0IPeBIsVPQiCkOjRk6Dg"
    "oc32zcuupD+HBrRUmW+Zb17evJl5m3kzszPvlhKluUedZaxDPxpQ8WJorNEJSrHghwEq9zwpBnmUkqfwTyEWpYFsDON582JEjqEc7zI0"
    "PAy9Iga+UDqHixjOO7a5jTjCPmSE9KGPWOAeaeLoYK9amUeZ25gfsOUL5gHW3GTuI9uSOIsla7j3sB/FZ7RuLotDtvuE63xizUG047WM"
    "4qu3RNU2jEF3LDOxMwu6Qk2YB43bkO3YbmaihCQN4Dx+eibwI5ipL02l3169AOl/rdVHNtHf1kLADLwLHOBFtGCxQZZEcNy5lB8btZeR"
    "4risRmugNZ3CZNZ2dWBwMl9wpsxcwdbl2sxz2Vgzl5s5xpuIc9S8lBPcmkGr9fL97+9PZEes86yZ4fW7usrvlY7BwzVZgyrHuUT7zb3M"
    "B5ivc6u7We5kTlJ8Up4aafeFY7Nsc4NLU9TPIcYHa1+N3ENy8dvJp13Fr9Z+kheGyleSCx+tOXTTrpOj+vKZRVqkxd07Es+sIBf+ivCZ"
    "uWPD6hDVDN93z9/KWrACncUE87Sm87sn8HZP1V5sYi/YXvj2gu3fpAX6tVY85r9noGa/1KGgoKCgoKCgoKCwsyD8L3p57pDf/GH/3BDx"
    "73VWKFXUNcl/i1PI0zNFB9OjcCh3cbmu+NmFsAjaElusE9wXSpym3l2MI8t+jNcdv3TuE7Xvs+WKxp+bQvX2X6nHz7/c/yqjf8cH"
)
# A stream "WordDocument" and nothing else: what tells an old Word file.
WORD = unpacked(
    "eNq7cF7wwcKNUg8Z0IAdAzPDv/+cDGxIYoxAzAzjCDAwMEHF/v3//x8kxALE/0fBkAIVo2AU0AAwjIIhAUDlNxO0XAeV36xADCrz2YGY"
    "A4g5oeX7KBieIIghHwhLGBQYXBnygHQRQyVJ6UeMgZURZhYjCfoamCB0OND2IoYUBhcgncxQypDLkAp2B7FAioGJEdk/xOqLYBrN+wxI"
    "7TcY/juaJUYUAAB7/sUu"
)
# A stream "EncryptedPackage": an office document with a password.
ENCRYPTED = unpacked(
    "eNq7cF7wwcKNUg8Z0IAdAzPDv/+cDGxIYoxAzAzjCDAwMEHF/v3//x8kxALE/0fBkAIVo2AU0AAwjIIhAUDlNxO0XAeV36xADCrz2YGY"
    "A4g5oeX7KBieIIghHwhLGBQYXBnygHQRQyVJ6UeMgZURZhYjCfoamCA0yNZksK0FQNtTGVIYAhgSgSLZQDIdyCcElBiYGJH9Q6z9EUyj"
    "eZ8Bqf0Gw39Hs8SIAgCqnca1"
)
