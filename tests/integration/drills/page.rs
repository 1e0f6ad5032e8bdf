//! Every drill of the page names its test, and every test that the page names is there.

use std::path::Path;

/// Sections that are no drills.
const ABOUT: [&str; 2] = ["Every drill in one table", "How a key is replaced"];
/// Shown where the plugins that pin it are tested.
const ELSEWHERE: &str = "A dialect's RSA key";

#[test]
fn every_drill_of_the_page_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join("docs/drills.md")).unwrap();
    let sources: String = headgate_tests::files_below(&root.join("tests/integration"))
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let mut drills = 0;
    for section in page.split("\n## ").skip(1) {
        let title = section.lines().next().unwrap();
        if ABOUT.contains(&title) {
            continue;
        }
        drills += 1;
        let named: Vec<&str> = section
            .lines()
            .filter(|line| line.starts_with("Test"))
            .flat_map(|line| line.split('`').skip(1).step_by(2))
            .collect();
        assert!(
            !named.is_empty() || title == ELSEWHERE,
            "‘{title}’ names no test"
        );
        for test in named {
            let name = test.rsplit("::").next().unwrap();
            let there = sources.contains(&format!("fn {name}("));
            assert!(there, "‘{title}’ names {test}, which does not exist");
        }
    }
    assert!(drills >= 9, "{drills} drills were found");
}
