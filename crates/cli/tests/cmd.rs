//! What the program prints, word for word: help, and what is said to bad input.

#[test]
fn commands_answer_as_written() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd").run();
}
