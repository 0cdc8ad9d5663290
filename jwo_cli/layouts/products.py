"""Foreign product rows to catalogue products: what cannot be believed is kept as unknown and reported."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from jwo_cli.layouts.documents import ProductDocument
from jwo_cli.model.catalogue import Product
from jwo_cli.model.findings import Finding, Severity
from jwo_cli.model.gtin import gtin_problem, upc_e_expand, upc_e_forms
from jwo_cli.model.units import minor_digits

LIGHTEST_G = 2.0  # below this no shelf plate (0.24 g a step) can see a unit; such rows are kilograms or typing errors
DOUBTFUL_G = 10.0
HEAVIEST_G = 100_000.0


def placeholder(identifier: str) -> Product:
    """A product of which only the identifier is known."""
    return Product(product_id=identifier, name=identifier, price_minor=0)


def catalogue_rows(rows: list[ProductDocument], currency: str) -> tuple[list[Product], list[Finding]]:
    """Products in file order, each identifier once with its short forms as aliases, and findings in file order."""
    first: dict[str, ProductDocument] = {}
    repeated: list[ProductDocument] = []
    findings: list[Finding] = []
    for row in rows:
        known = first.setdefault(row.product_id, row)
        if known is row:
            continue
        if (known.name, known.price, known.weight_g) == (row.name, row.price, row.weight_g):
            repeated.append(row)
        else:
            problem = f"{row.product_id} stands in line {known.line} already, with other values; that line is kept"
            findings.append(_warning(row, "product_id.id", problem, "Keep one row for each product."))
    if repeated:
        row = repeated[0]
        earlier = first[row.product_id].line
        problem = f"{len(repeated)} rows repeat an earlier one word for word (here {row.product_id} of line {earlier})"
        findings.append(
            _warning(row, "product_id.id", problem, "Nothing needs doing; exporting the table once makes it shorter.")
        )
    owners = _alias_owners(first)
    products = []
    for row in first.values():
        product, more = _product(row, currency, first, owners)
        products.append(product)
        findings += more
    return products, sorted(findings, key=lambda finding: finding.line or 0)


def _alias_owners(first: dict[str, ProductDocument]) -> dict[str, str]:
    """Short or long form -> the first product that it may stand for; products' own identifiers are left out."""
    owners: dict[str, str] = {}
    for identifier in first:
        for form in upc_e_forms(identifier):
            if form not in first:
                owners.setdefault(form, identifier)
    return owners


def _product(
    row: ProductDocument, currency: str, first: dict[str, ProductDocument], owners: dict[str, str]
) -> tuple[Product, list[Finding]]:
    findings = _identifier(row, first)
    if row.price is None:
        findings.append(
            _warning(row, "metadata.price", f"{row.product_id} has no price; taken as 0", "Give it a price.")
        )
    elif row.price < 0:
        problem = f"{row.product_id} has the negative price {row.price}; taken as 0"
        findings.append(_warning(row, "metadata.price", problem, "Give it a price of 0 or more."))
    mass, more = _mass(row)
    findings += more
    price = Decimal(repr(max(row.price or 0.0, 0.0))).scaleb(minor_digits(currency))
    product = Product(
        product_id=row.product_id,
        name=row.name,
        price_minor=int(price.to_integral_value(ROUND_HALF_EVEN)),
        unit_mass_g=mass,
        aliases=tuple(form for form in upc_e_forms(row.product_id) if owners.get(form) == row.product_id),
    )
    return product, findings


def _identifier(row: ProductDocument, first: dict[str, ProductDocument]) -> list[Finding]:
    identifier, whole = row.product_id, upc_e_expand(row.product_id)
    if whole is not None:
        twins = [form for form in upc_e_forms(identifier) if form in first]
        if twins and first[twins[0]].line < row.line:
            problem = f"{identifier} and {twins[0]} (line {first[twins[0]].line}) are two forms of one article, {whole}"
            return [_warning(row, "product_id.id", problem, "Keep one of the two rows.")]
        if twins or len(identifier) == 8:
            return []
        problem = f"{identifier} is the scanner's short form (UPC-E) of {whole}; kept, and known under both"
        return [_warning(row, "product_id.id", problem, f"Use {whole} if the planogram may change.")]
    problem_text = gtin_problem(identifier)
    if problem_text is None:
        return []
    longer = identifier.zfill(12)
    if identifier.isascii() and identifier.isdigit() and len(identifier) in (10, 11) and gtin_problem(longer) is None:
        seen = f", which line {first[longer].line} has too" if longer in first else ""
        problem_text += f"; with its leading zeros it is {longer}{seen}"
        return [_warning(row, "product_id.id", f"{problem_text}; kept as it is", f"Write {longer}.")]
    fix = "Correct it, or leave it if it is your own number."
    return [_warning(row, "product_id.id", f"{problem_text}; kept as it is", fix)]


def _mass(row: ProductDocument) -> tuple[float | None, list[Finding]]:
    mass, field = row.weight_g, "metadata.weight"
    if mass is None:
        problem = f"{row.product_id} ({row.name}) has no mass; scales cannot recognise it"
        return None, [_warning(row, field, problem, "Weigh it.")]
    if mass <= 0:
        problem = f"{row.product_id} ({row.name}) has the mass {mass:g} g, which cannot be; kept as unknown"
        return None, [_warning(row, field, problem, "Weigh it.")]
    if mass < LIGHTEST_G:
        problem = f"{row.product_id} ({row.name}) has the mass {mass:.10g} g, too light for any shelf scale to notice"
        fix = "Give grams, not kilograms or pounds; weigh it if in doubt."
        return None, [_warning(row, field, f"{problem}; kept as unknown", fix)]
    if mass > HEAVIEST_G:
        problem = (
            f"{row.product_id} ({row.name}) has the mass {mass:.10g} g ({mass / 1000:.10g} kg), too heavy for any shelf"
        )
        return None, [_warning(row, field, f"{problem}; kept as unknown", "Give grams, not milligrams.")]
    kept = round(mass, 3)
    if mass < DOUBTFUL_G:
        problem = f"{row.product_id} ({row.name}) has a mass of only {kept:g} g"
        return kept, [_warning(row, field, problem, "Check that it is grams.")]
    return kept, []


def _warning(row: ProductDocument, field: str, problem: str, fix: str) -> Finding:
    return Finding(file=row.file, line=row.line, field=field, problem=problem, fix=fix, severity=Severity.WARNING)
