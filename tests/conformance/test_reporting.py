"""What is made of the results of a suite."""

from tests.conformance import executable, record
from tests.conformance.record import Result

TESTNG = """<testng-results skipped="1" failed="1" total="3" passed="1">
<suite name="ogcapi-features-1.0"><test name="Core"><class name="a.B">
<test-method is-config="true" status="FAIL" name="beforeClass"/>
<test-method status="PASS" name="one"/>
<test-method status="FAIL" name="two"><exception class="x"><message>
<![CDATA[expected 400 but was 200]]></message></exception><attributes><attribute name="request">
<![CDATA[Request method:GET
Request URI:http://here/api?limit=unlimited
Proxy:<none>]]></attribute></attributes></test-method>
</class></test><test name="Coordinate Reference Systems by Reference"><class name="a.C">
<test-method status="SKIP" name="three"/></class></test></suite></testng-results>"""


def test_results_are_counted_by_conformance_class(tmp_path):
    (tmp_path / "testng-results.xml").write_text(TESTNG)
    found, failures = executable.summarise(tmp_path / "testng-results.xml")
    assert [(each.group, each.passed, each.failed, each.skipped) for each in found] == [
        ("Core", 1, 1, 0),
        ("Coordinate Reference Systems by Reference", 0, 0, 1),
    ]
    assert failures == [
        executable.Failure("Core", "two", "expected 400 but was 200", "http://here/api?limit=unlimited")
    ]


def test_a_new_run_takes_the_place_of_an_older_one(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "_results", [])
    document = tmp_path / "conformance.md"
    document.write_text(f"before\n{record.BEGIN}\n{record.END}\nafter\n")
    record.keep(Result("one", "1.0", "Core", 1, 2, 3), Result("two", "2.0", "Core", 9, 0, 0))
    record.write(document)
    record.keep(Result("one", "1.1", "Core", 6, 0, 0, "better"))
    record.write(document)
    text = document.read_text()
    assert "| one 1.1 | Core | 6 | 0 | 0 |" in text
    assert "| two 2.0 | Core | 9 | 0 | 0 |" in text
    assert "one 1.0" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
