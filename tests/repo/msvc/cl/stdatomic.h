#error "Microsoft has it behind a switch of its own"
