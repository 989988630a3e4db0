use crate::reading::*;
#[test]
fn dump() {
    for name in fixtures() {
        match read(&fixture(&name)) {
            Ok(read) => {
                println!("=== {name} {:#?}", read.run);
                for c in &read.cases {
                    println!("{}", serde_json::to_string(c).unwrap());
                }
            }
            Err(e) => println!("=== {name} ERROR {e}"),
        }
    }
}
