"""Archives made for tests."""

from __future__ import annotations

import zipfile
from pathlib import Path

ROWS = "gbifID\tspecies\tdecimalLatitude\tdecimalLongitude\tmonth\n"
ROWS += "1\tPanthera leo\t-1.5\t36.5\t5\n2\tPanthera leo\t-1.6\t36.5\t6\n"

META = """<archive xmlns="http://rs.tdwg.org/dwc/text/">
  <core encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1"
        rowType="http://rs.tdwg.org/dwc/terms/Occurrence">
    <files><location>occurrence.txt</location></files>
    <id index="0"/>
    <field index="1" term="http://rs.tdwg.org/dwc/terms/species"/>
    <field index="2" term="http://rs.tdwg.org/dwc/terms/decimalLatitude"/>
    <field index="3" term="http://rs.tdwg.org/dwc/terms/decimalLongitude"/>
    <field index="4" term="http://rs.tdwg.org/dwc/terms/month"/>
    <field term="http://rs.tdwg.org/dwc/terms/basisOfRecord" default="HumanObservation"/>
  </core>
</archive>
"""


def zipped(path: Path, files: dict[str, str | bytes], packed: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip archive of some files."""
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
