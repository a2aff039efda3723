/*
 * frames - hand-written functions whose unwind information is unusual. Each
 * calls the function that it is given (in rdi) and returns; see frames.c.
 */
	.text

	.macro begin name
	.globl \name
	.type \name, @function
	.p2align 4
\name:
	.cfi_startproc
	.endm

	.macro end name
	.cfi_endproc
	.size \name, . - \name
	.endm

/* The CFA hangs on a register that is neither rsp nor rbp. */
	.macro held_by register name
	begin \name
	push %\register
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \register, 0
	mov %rsp, %\register
	.cfi_def_cfa_register \register
	sub $4096, %rsp
	call *%rdi
	mov %\register, %rsp
	.cfi_def_cfa_register rsp
	pop %\register
	.cfi_adjust_cfa_offset -8
	.cfi_restore \register
	ret
	end \name
	.endm

	held_by rbx, frame_rbx
	held_by r12, frame_r12
	held_by r15, frame_r15

/* The CFA is an expression: the old rsp was stored above the new one. */
	begin frame_expression
	mov %rsp, %rax
	.cfi_def_cfa_register rax
	sub $24, %rsp
	and $-64, %rsp
	mov %rax, 8(%rsp)
	.cfi_escape 0x0f, 5, 0x77, 8, 0x06, 0x23, 8	/* breg7+8, deref, plus_uconst 8 */
	call *%rdi
	mov 8(%rsp), %rsp
	.cfi_def_cfa rsp, 8
	ret
	end frame_expression

/* rbx is kept in r12, which is kept on the stack. */
	begin frame_register
	push %r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	mov %rbx, %r12
	.cfi_register rbx, r12
	mov $-1, %rbx
	call *%rdi
	mov %r12, %rbx
	.cfi_restore rbx
	pop %r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	ret
	end frame_register

/* rbx is saved at an address that an expression computes. */
	begin frame_saved_by_expression
	push %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_escape 0x10, 3, 2, 0x77, 0		/* rbx: breg7+0 */
	mov $-1, %rbx
	call *%rdi
	pop %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	ret
	end frame_saved_by_expression

/*
 * Two frames: the outer one's CFA hangs on rbx, the inner one says what rbx was
 * without having saved it where anybody could look: 4096 above its own CFA.
 */
	.macro computed name, rule:vararg
	begin \name
	push %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	mov %rsp, %rbx
	.cfi_def_cfa_register rbx
	sub $4096, %rsp
	call \name\()_inner
	mov %rbx, %rsp
	.cfi_def_cfa_register rsp
	pop %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	ret
	end \name

	begin \name\()_inner
	lea -1(%rbx), %rax
	push %rax
	.cfi_adjust_cfa_offset 8
	\rule
	mov $-1, %rbx
	call *%rdi
	pop %rbx
	.cfi_adjust_cfa_offset -8
	inc %rbx
	.cfi_restore rbx
	ret
	end \name\()_inner
	.endm

	computed frame_val_offset, .cfi_escape 0x15, 3, 0x80, 0x7c		/* val_offset_sf: -512 * -8 */
	computed frame_val_expression, .cfi_escape 0x16, 3, 3, 0x23, 0x80, 0x20 /* plus_uconst 4096 */

/* The return address stands elsewhere than below the CFA. */
	begin frame_moved_return
	pop %rax
	.cfi_def_cfa_offset 0
	.cfi_register rip, rax
	sub $16, %rsp
	.cfi_def_cfa_offset 16
	mov %rax, (%rsp)
	.cfi_offset rip, -16
	call *%rdi
	mov (%rsp), %rax
	.cfi_register rip, rax
	add $16, %rsp
	.cfi_def_cfa_offset 0
	jmp *%rax
	end frame_moved_return

/* Marked like the kernel's signal frame, but laid out like any other. */
	begin frame_signal_mark
	.cfi_signal_frame
	push %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	mov %rdi, %rbp
	call *%rdi
	nop
	pop %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	ret
	end frame_signal_mark

/* A big frame, rows that are remembered and come back. */
	begin frame_big
	sub $100008, %rsp
	.cfi_adjust_cfa_offset 100008
	.cfi_remember_state
	test %rdi, %rdi
	jnz 1f
	add $100008, %rsp
	.cfi_adjust_cfa_offset -100008
	ret
	.cfi_restore_state
1:	call *%rdi
	add $100008, %rsp
	.cfi_adjust_cfa_offset -100008
	ret
	end frame_big

/* rdi on the stack whose end is rsi; rbp stays on the old one. */
	begin frame_switch
	push %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	mov %rsp, %rbp
	.cfi_def_cfa_register rbp
	mov %rsi, %rsp
	call *%rdi
	mov %rbp, %rsp
	pop %rbp
	.cfi_def_cfa rsp, 8
	.cfi_restore rbp
	ret
	end frame_switch

	.section .note.GNU-stack, "", @progbits
