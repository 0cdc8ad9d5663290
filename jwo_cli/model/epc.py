"""Electronic product codes: the GTIN inside a tag's number (GS1 EPC Tag Data Standard 2.0, §7.2 and §14.6.1).

An SGTIN is a header, a filter, a partition that says how many bits and digits belong to the company, the company's
prefix, the indicator digit with the item reference, and a serial number. Everything else on tags (other schemes,
chip makers' own numbers, misread bits) holds no GTIN: None, never an error.
"""

from __future__ import annotations

import re

from .gtin import check_digit, upc_e_expand

# Header -> bits of the whole code.
_SGTIN_BITS = {0x30: 96, 0x36: 198}
# Partition -> (bits of the company prefix, its digits, bits of indicator and item); item digits are 13 minus company's.
_PARTITIONS = ((40, 12, 4), (37, 11, 7), (34, 10, 10), (30, 9, 14), (27, 8, 17), (24, 7, 20), (20, 6, 24))
_HEX = re.compile(r"(?:[0-9A-Fa-f]{4})+")
_URI = re.compile(r"urn:epc:(?:id:sgtin:|tag:sgtin-(?:96|198):[0-7]\.)(\d{6,12})\.(\d{1,7})(?:\..+)?")


def gtin_of(tag_id: str) -> str | None:
    """The GTIN-14 inside a tag's number (EPC in hexadecimal, or its URI); None when there is none."""
    uri = _URI.fullmatch(tag_id)
    if uri is not None:
        company, item = uri.group(1), uri.group(2)
        return _gtin(company, item) if len(company) + len(item) == 13 else None
    if not _HEX.fullmatch(tag_id):
        return None
    bits = _SGTIN_BITS.get(int(tag_id[:2], 16))
    # Memory is read in words of 16 bits, so a 198-bit code comes padded to 208.
    if bits is None or len(tag_id) * 4 != -(-bits // 16) * 16:
        return None
    front = int(tag_id[:15], 16)  # the first 60 bits hold header, filter, partition, company and item (58 bits)
    partition = front >> 46 & 0b111
    if partition >= len(_PARTITIONS):
        return None
    company_bits, digits, item_bits = _PARTITIONS[partition]
    prefix = front >> (46 - company_bits) & ((1 << company_bits) - 1)
    item_number = front >> 2 & ((1 << item_bits) - 1)
    if prefix >= 10**digits or item_number >= 10 ** (13 - digits):
        return None
    return _gtin(f"{prefix:0{digits}d}", f"{item_number:0{13 - digits}d}")


def _gtin(company: str, item: str) -> str:
    """Indicator, company, item reference, check digit."""
    body = item[0] + company + item[1:]
    return body + str(check_digit(body))


def gtin14_of(identifier: str) -> str | None:
    """The GTIN-14 that an identifier in a catalogue stands for: GTIN-8 to 14, leading zeros lost or not, or UPC-E.

    None for in-house numbers: the check digit must fit.
    """
    if not (identifier.isascii() and identifier.isdigit() and len(identifier) <= 14):
        return None
    padded = identifier.zfill(14)
    if int(identifier) > 0 and check_digit(padded[:-1]) == int(padded[-1]):
        return padded
    whole = upc_e_expand(identifier)
    return whole.zfill(14) if whole is not None else None
