"""Small files of many formats, made here, so that the tests need no others."""

from __future__ import annotations

import io
import zipfile

CONTENT_TYPES = """<?xml version="1.0"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"""
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
EXTERNAL = ' TargetMode="External"'
ODF = "urn:oasis:names:tc:opendocument:xmlns:"


def zipped(parts: dict[str, str | bytes], *, stored: bool = False) -> bytes:
    out, way = io.BytesIO(), zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "w", way) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def relations(**targets: str) -> str:
    """Relations by their id; those with a scheme lead outside."""
    rows = "".join(
        f'<Relationship Id="{name}" Type="{R}/{name.rstrip("0123456789")}" Target="{target}"'
        f"{EXTERNAL if ':' in target else ''}/>"
        for name, target in targets.items()
    )
    return f'<Relationships xmlns="{RELATIONS}">{rows}</Relationships>'


def docx(body: str, **more: str) -> bytes:
    """A Word file with this body; `more`: its other parts by the names of their files."""
    document = f'<w:document xmlns:w="{W}" xmlns:r="{R}"><w:body>{body}</w:body></w:document>'
    styles = "".join(
        f'<w:style w:styleId="H{level}"><w:name w:val="heading {level}"/></w:style>'
        for level in (1, 2)
    )
    return zipped(
        {
            "[Content_Types].xml": CONTENT_TYPES,
            "word/document.xml": document,
            "word/styles.xml": f'<w:styles xmlns:w="{W}">{styles}</w:styles>',
            **{f"word/{name.replace('__', '/')}": content for name, content in more.items()},
        }
    )


def paragraph(text: str, *, style: str = "", numbering: str = "", level: int = 0) -> str:
    marks = f'<w:pStyle w:val="{style}"/>' if style else ""
    if numbering:
        marks += f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{numbering}"/></w:numPr>'
    return f"<w:p><w:pPr>{marks}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def odt(body: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="{ODF}{full}:1.0"'
        for name, full in (("office", "office"), ("text", "text"), ("table", "table"))
    )
    content = (
        f'<office:document-content {spaces} xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def epub(*chapters: str) -> bytes:
    items = "".join(
        f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>'
        for n in range(len(chapters))
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in reversed(range(len(chapters))))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata><dc:title>Our book</dc:title></metadata><manifest>{items}</manifest>"
        f"<spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
    )
    pages = {
        f"OPS/c{n}.xhtml": f"<html><body>{page}</body></html>" for n, page in enumerate(chapters)
    }
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "OPS/book.opf": package,
            **pages,
        }
    )


def xlsx(
    *rows: tuple[object, ...], name: str = "Prices", state: str = "visible", cells: str = ""
) -> bytes:
    """A workbook of one sheet, of these rows or of `cells` as they stand in the file."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

    def cell(value: object) -> str:
        if isinstance(value, (int, float)):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    data = cells or "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    sheets = f'<sheet name="{name}" sheetId="1" r:id="worksheet1" state="{state}"/>'
    return zipped(
        {
            "[Content_Types].xml": CONTENT_TYPES,
            "_rels/.rels": relations(officeDocument="xl/workbook.xml"),
            "xl/workbook.xml": f'<workbook xmlns="{space}" xmlns:r="{R}"><sheets>{sheets}</sheets>'
            "</workbook>",
            "xl/_rels/workbook.xml.rels": relations(worksheet1="worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{space}"><sheetData>{data}</sheetData>'
            "</worksheet>",
        }
    )


def pptx(*slides: str, more: dict[str, str] | None = None) -> bytes:
    a = "http://schemas.openxmlformats.org/drawingml/2006/main"
    p = "http://schemas.openxmlformats.org/presentationml/2006/main"
    names = {f"slide{n}": f"slides/slide{n}.xml" for n in range(len(slides))}
    ids = "".join(f'<p:sldId r:id="{name}"/>' for name in names)
    parts: dict[str, str | bytes] = {
        f"ppt/{path}": f'<p:sld xmlns:p="{p}" xmlns:a="{a}"><p:cSld><p:spTree>{slide}</p:spTree>'
        "</p:cSld></p:sld>"
        for path, slide in zip(names.values(), slides, strict=True)
    }
    return zipped(
        {
            "[Content_Types].xml": CONTENT_TYPES,
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{p}" xmlns:r="{R}"><p:sldIdLst>{ids}'
            "</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": relations(**names),
            **parts,
            **(more or {}),
        }
    )


def shape(*lines: str, kind: str = "body") -> str:
    text = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
    return (
        f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>'
        f"<p:txBody>{text}</p:txBody></p:sp>"
    )
