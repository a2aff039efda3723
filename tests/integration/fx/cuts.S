/* cuts - functions that call rdi and whose unwind information ends a walk: see cuts.c. */
	.text
	.macro cut name, rule:vararg
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	sub $8, %rsp
	\rule
	call *%rdi
	add $8, %rsp
	ret
	.cfi_endproc
	.size \name, . - \name
	.endm

	/* an operation that means nothing in unwind information (DW_OP_call_frame_cfa) */
	cut cut_by_rule, .cfi_escape 0x0f, 1, 0x9c
	/* a gigabyte up */
	cut cut_off_stack, .cfi_def_cfa_offset 0x40000000

	.section .note.GNU-stack, "", @progbits
