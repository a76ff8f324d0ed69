module kith.example/bench/go-lzw

go 1.18
