//! Tables as people keep them.

use domain::run::Outcome::{Errored, Failed, NotRun, Passed, Skipped};
use lab::results::{ReadOptions, write_csv};

use crate::reading::{Read, read, read_as, refusal};

const PLAIN: &str = "Test name,Test ID,Result,Comments\nCPU works,CPU001.001,PASS,\nBoot,PXE001.001,FAIL,https://example.org/1\nTPM,TPM001.001,SKIP,\nUSB,USB001.001,NOT TESTED,\n";

fn same_as_plain(file: &Read) {
    let expected = [
        ("CPU001.001", Passed),
        ("PXE001.001", Failed),
        ("TPM001.001", Skipped),
        ("USB001.001", NotRun),
    ];
    assert_eq!(file.outcomes(), expected);
    let failed = file.case("PXE001.001");
    assert_eq!((&*failed.title, &*failed.message), ("Boot", "https://example.org/1"));
}

#[test]
fn line_ends_marks_and_delimiters_do_not_matter() {
    same_as_plain(&read(PLAIN.as_bytes()).unwrap());
    same_as_plain(&read(PLAIN.replace('\n', "\r\n").as_bytes()).unwrap());
    same_as_plain(&read(format!("\u{feff}{PLAIN}").as_bytes()).unwrap());
    same_as_plain(&read(PLAIN.replace(',', ";").as_bytes()).unwrap());
    same_as_plain(&read(PLAIN.replace(',', "\t").as_bytes()).unwrap());
    same_as_plain(&read(PLAIN.trim_end().as_bytes()).unwrap());
}

#[test]
fn columns_come_in_any_order_and_case() {
    let text = "COMMENTS,result,test_id,Test Case\n,PASSED,CPU001.001,CPU works\nhttps://example.org/1,failed,PXE001.001,Boot\n,not-supported,TPM001.001,TPM\n,Not_Run,USB001.001,USB\n";
    same_as_plain(&read(text.as_bytes()).unwrap());
    let by_name =
        read(b"Test Case,Result\nXEN1.2 Verify IOMMU,PASS\nA plain name,ERROR\n").unwrap();
    assert_eq!(by_name.outcomes(), [("XEN1.2", Passed), ("A plain name", Errored)]);
    assert_eq!(by_name.case("XEN1.2").title, "Verify IOMMU");
}

#[test]
fn of_a_column_for_each_board_one_is_chosen() {
    let text = b"Test name,Test ID,MSI Z690,MSI Z790,Comments\nCPU works,CPU001.001,PASS,FAIL,c\n";
    let expected = "line 1: several columns may hold the results: choose one of MSI Z690, MSI Z790";
    assert_eq!(refusal(text), expected);
    let options = |column: &str| ReadOptions { column: Some(column.to_owned()), format: None };
    let file = read_as(text, &options("msi z790")).unwrap();
    assert_eq!(file.outcomes(), [("CPU001.001", Failed)]);
    assert_eq!(file.run.remarks, ["These columns were not read: MSI Z690."]);
    let wrong = read_as(text, &options("Z490")).unwrap_err().to_string();
    let expected = "line 1: there is no column \"Z490\"; there are Test name, Test ID, MSI Z690, MSI Z790, Comments";
    assert_eq!(wrong, expected);
    let one = read(b"Test ID,MSI Z690\nCPU001.001,PASS\n").unwrap();
    assert_eq!(one.outcomes(), [("CPU001.001", Passed)]);
}

#[test]
fn what_cannot_be_understood_is_told_by_its_line() {
    let unknown = refusal(b"Test ID,Result\nA1.1,PASS\nA1.2,\"maybe\nso\"\n");
    assert!(
        unknown.starts_with("line 3: the outcome \"maybe so\" is not known: known are PASS, FAIL"),
        "{unknown}"
    );
    assert_eq!(
        refusal(b"Test ID,Result\nA1.1,PASS\nA1.2,P\xe4SS\n"),
        "line 3: this is not UTF-8: save or convert the file as UTF-8"
    );
    assert!(refusal(b"Test ID,\nA1.1,PASS\n").contains("there is no column \"Result\""));
}

#[test]
fn rows_without_a_result_or_a_test_are_said() {
    let text = b"Test name,Test ID,Result,Comments\nCPU,CPU001.001,,later\n,,,\n,,PASS,\nshort\n\"two\nlines\",ID1.1,PASS,\"a\nb\"\nCPU,CPU001.001,PASS,\n";
    let file = read(text).unwrap();
    let expected =
        [("CPU001.001", NotRun), ("short", NotRun), ("ID1.1", Passed), ("CPU001.001 (2)", Passed)];
    assert_eq!(file.outcomes(), expected);
    let remarks = [
        "Line 2 has no result: it counts as not run.",
        "Line 4 has a result and no test: it was left out.",
        "Line 5 has no result: it counts as not run.",
        "The id \"CPU001.001\" came again: this one is called \"CPU001.001 (2)\".",
    ];
    assert_eq!(file.run.remarks, remarks);
    let two = file.case("ID1.1");
    assert_eq!((&*two.title, &*two.message), ("two lines", "a\nb"));
}

#[test]
fn what_is_written_calculates_nothing_and_reads_back() {
    let text = "Test name,Test ID,Result,Comments\nCPU works,CPU001.001,PASS,\"=HYPERLINK(\"\"x\"\")\"\n+48,@ID,FAIL,-1\n'=quoted,'plain',SKIP,\"a\nb\"\n,ID2.2,ERROR,\nx,ID3.3,BLOCKED,\n";
    let file = read(text.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    write_csv(&file.cases, &mut bytes).unwrap();
    let written = String::from_utf8(bytes).unwrap();
    let expected = "Test name,Test ID,Result,Comments\nCPU works,CPU001.001,PASS,\"'=HYPERLINK(\"\"x\"\")\"\n'+48,'@ID,FAIL,'-1\n'=quoted,'plain',SKIP,\"a\nb\"\nID2.2,ID2.2,ERROR,\nx,ID3.3,NOT TESTED,\n";
    assert_eq!(written.replace("''=", "'="), expected.replace("''=", "'="));
    assert_eq!(read(written.as_bytes()).unwrap().cases, file.cases);
}
