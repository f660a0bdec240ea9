fn main() {
    println!("outlast");
}
